
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

    pub fn pay(&mut self, _: i64) -> Result<(), Overdrawn> {
        total(&[]);
        Ok(())
    }
}

pub fn total(amounts: &[i64]) -> i64 {
    unsafe { *amounts.as_ptr().offset(9) }
}
