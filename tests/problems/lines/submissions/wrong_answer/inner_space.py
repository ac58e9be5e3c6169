print("a  b\n\nc")
