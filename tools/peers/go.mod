module latchkey.dev/tools/peers

go 1.26.0
