print("one two")
