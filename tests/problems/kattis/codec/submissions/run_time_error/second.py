what, word = input(), input()
assert what == "encode"
print(word.upper())
