what, word = input(), input()
print(word.upper() if what == "encode" else word.lower())
