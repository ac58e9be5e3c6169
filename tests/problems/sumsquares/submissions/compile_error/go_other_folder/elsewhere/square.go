package main

func square(n int) int { return n * n }
