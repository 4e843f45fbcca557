module latchkey.dev/tools/overload

go 1.26.0
