"""Dashboards of Grafana as code: `python -m monitoring` writes the JSON that the role `monitoring` of Ansible installs.

`boards.py` says what they show, `drawing.py` makes Grafana's JSON of it. Nothing of the product imports this; it needs
`grafana-foundation-sdk`, whose types are made from Grafana's own schema, and nothing of ours.
"""
