package main

import (
	"errors"

	"example.com/bank/purse"
)

type Account struct{ money int }

func NewAccount(money int) *Account { return &Account{money} }

func (a *Account) Pay(money int) error {
	if money > a.money {
		return errors.New("too much")
	}
	a.money -= money
	return nil
}

func Total(amounts []int) int { return purse.Sum(amounts) }

func main() {}
