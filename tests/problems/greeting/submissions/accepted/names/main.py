from wörter.grüße import sage

sage()
