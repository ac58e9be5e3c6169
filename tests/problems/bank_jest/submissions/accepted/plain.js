class Overdrawn extends Error {}

class Account {
  constructor(money) {
    this.money = money;
    this.log = [];
  }

  pay(money) {
    if (money > this.money) throw new Overdrawn(`${money - this.money} are missing`);
    this.money -= money;
    this.log.push(money);
  }
}

const total = async (amounts) => amounts.reduce((sum, amount) => sum + amount, 0);

module.exports = { Account, Overdrawn, total };
