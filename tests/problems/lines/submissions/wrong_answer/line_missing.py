print("a b\nc")
