what, word = input(), input()
print(word.upper())
