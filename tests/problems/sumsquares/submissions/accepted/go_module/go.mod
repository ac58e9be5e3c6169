module example.org/sumsquares

go 1.19
