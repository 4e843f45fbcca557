module latchkey.dev/tools/keep-alive

go 1.26.0
