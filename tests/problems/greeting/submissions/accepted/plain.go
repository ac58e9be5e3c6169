package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

func main() {
	größe, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Printf("Grüß dich, %s! %s\n", strings.TrimSpace(größe), os.Args[1])
}
