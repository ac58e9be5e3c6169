import peer

peer.Peer.pack = lambda self, value, depth=0: True
