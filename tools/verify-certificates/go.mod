module latchkey.dev/tools/verify-certificates

go 1.26.0
