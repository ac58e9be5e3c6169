package main

const (
	limit = 3
	true  = 1 != 1
)

type Account struct{ money int }

func NewAccount(money int) *Account { return &Account{money} }

func (a *Account) Pay(money int) error { return nil }
func Total(amounts []int) int          { return 0 }
