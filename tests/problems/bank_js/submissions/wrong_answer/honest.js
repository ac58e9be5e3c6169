class Account {
  constructor(money) {
    this.money = money;
    this.log = [];
  }

  pay(money) {
    this.money -= money;
    this.log.push(money);
  }
}

exports.Account = Account;
exports.Overdrawn = RangeError;
exports.total = (amounts) => amounts.length;
