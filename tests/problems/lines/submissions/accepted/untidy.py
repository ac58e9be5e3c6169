print("a b  \r\n\t\nc\n\n", end="")
