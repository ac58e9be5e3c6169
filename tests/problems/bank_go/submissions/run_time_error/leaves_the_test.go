package main

import "runtime"

type Account struct{ money int }

func NewAccount(money int) *Account { return &Account{money} }

func (a *Account) Pay(money int) error {
	runtime.Goexit()
	return nil
}

func Total(amounts []int) int {
	runtime.Goexit()
	return 0
}
