package main

import "fmt"

func main() {
	var n int
	fmt.Scan(&n)
	squares := make(chan int)
	go func() {
		for i := 1; i <= n; i++ {
			squares <- i * i
		}
		close(squares)
	}()
	sum := 0
	for square := range squares {
		sum += square
	}
	fmt.Println(sum)
}
