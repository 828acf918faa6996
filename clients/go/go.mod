module example.com/wab

go 1.19
