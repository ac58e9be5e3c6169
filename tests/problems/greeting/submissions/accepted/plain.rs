use std::{env, io};

fn main() {
    let mut name = String::new();
    io::stdin().read_line(&mut name).unwrap();
    println!("Grüß dich, {}! {}", name.trim(), env::args().nth(1).unwrap());
}
