mod squares;

use std::io::{self, Read};

fn main() {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).unwrap();
    let numbers = text.split_whitespace().map(|word| word.parse::<i64>().unwrap());
    println!("{}", numbers.map(squares::square).sum::<i64>());
}
