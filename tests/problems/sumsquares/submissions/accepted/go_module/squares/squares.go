// Package squares is found through go.mod.
package squares

// Of gives n times n.
func Of(n int) int { return n * n }
