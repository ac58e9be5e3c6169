package main

type Account struct{ money int }

func NewAccount(money int) *Account { return &Account{money} }

func (a *Account) Pay(money int) error { panic("no") }
func Total(amounts []int) int          { return amounts[3] }
