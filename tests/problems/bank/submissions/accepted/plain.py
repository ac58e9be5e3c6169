class Overdrawn(ValueError):
    pass


class Account:
    def __init__(self, money):
        self.money = money
        self.log = []

    def pay(self, money):
        if money > self.money:
            raise Overdrawn(f"{money - self.money} are missing")
        self.money -= money
        self.log.append(money)


def total(amounts):
    print("adding", amounts)
    return sum(amounts)


if __name__ == "__main__":
    raise SystemExit("its tests are not a program")
