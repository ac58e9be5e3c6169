print("a \n\nb", end="")
