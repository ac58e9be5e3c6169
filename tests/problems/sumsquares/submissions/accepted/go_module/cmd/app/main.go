package main

import (
	"fmt"

	"example.org/sumsquares/squares"
)

func main() {
	sum, n := 0, 0
	for {
		if _, err := fmt.Scan(&n); err != nil {
			break
		}
		sum += squares.Of(n)
	}
	fmt.Println(sum)
}
