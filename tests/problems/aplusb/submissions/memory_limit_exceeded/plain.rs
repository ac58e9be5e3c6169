fn main() {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    loop {
        blocks.push(vec![1u8; 1 << 20]);
        unsafe { std::ptr::read_volatile(blocks.last().unwrap().as_ptr()) };
    }
}
