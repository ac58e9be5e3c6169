class Overdrawn(Exception):
    pass


class Account:
    def __init__(self, money):
        self.money = money
        self.log = []

    def pay(self, money):
        self.money -= money
        self.log.append(money)


def total(amounts):
    print("adding", amounts)
    return sum(amounts) + 1
