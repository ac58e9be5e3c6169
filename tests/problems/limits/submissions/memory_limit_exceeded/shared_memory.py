# Memory that belongs to no single process.
import mmap

block = mmap.mmap(-1, 256 * 1024 * 1024)
for page in range(0, len(block), mmap.PAGESIZE):
    block[page] = 1
