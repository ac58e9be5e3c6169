package main

import "fmt"

func main() {
	for {
		fmt.Println("and again, and again, and again")
	}
}
