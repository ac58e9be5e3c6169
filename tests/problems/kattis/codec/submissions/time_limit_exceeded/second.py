what, word = input(), input()
while what != "encode":
    pass
print(word.upper())
