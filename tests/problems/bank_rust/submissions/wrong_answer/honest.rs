
#[derive(Debug)]
pub struct Overdrawn(pub String);

pub struct Account(i64);

impl Account {
    pub fn new(money: i64) -> Account {
        Account(money)
    }

    pub fn money(&self) -> i64 {
        self.0
    }

    pub fn pay(&mut self, money: i64) -> Result<(), Overdrawn> {
        if money > self.0 {
            return Err(Overdrawn(format!("{} are missing", money - self.0)));
        }
        self.0 -= money;
        Ok(())
    }
}

pub fn total(amounts: &[i64]) -> i64 {
    amounts.len() as i64
}
