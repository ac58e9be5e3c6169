while True:
    print("and again, and again, and again")
