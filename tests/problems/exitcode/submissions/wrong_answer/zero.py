print("whatever")
