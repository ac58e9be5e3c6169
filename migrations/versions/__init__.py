"""One file a version, `<number>_<what>.py`: `revision`, `down_revision` and `upgrade()`; there is no way back."""
