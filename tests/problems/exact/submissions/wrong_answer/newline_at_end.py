print("a\n\nb")
