count = int(input())
burning = None
for number in range(count):
    print("flip", number, flush=True)
    after = int(input())
    print("flip", number, flush=True)
    if int(input()) > after:
        print("flip", number, flush=True)
        input()
print("done", flush=True)
