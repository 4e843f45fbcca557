// Verifies certificates as kube-apiserver does when it calls a webhook: crypto/x509 with the caBundle as the only roots.
// In: NDJSON on stdin, {"ca": PEM, "leaf": PEM, "dnsName": name}. Out: {"verified": n, "refused": n, "errors": [...]}.
// The exit code is 1 when one was refused.
package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

type input struct {
	CA      string `json:"ca"`
	Leaf    string `json:"leaf"`
	DNSName string `json:"dnsName"`
}

type summary struct {
	Verified int      `json:"verified"`
	Refused  int      `json:"refused"`
	Errors   []string `json:"errors"`
}

// Enough to see what is wrong without flooding the output.
const shownErrors = 10

func main() {
	result := summary{Errors: []string{}}
	decoder := json.NewDecoder(os.Stdin)
	for line := 1; ; line++ {
		var in input
		err := decoder.Decode(&in)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "line %d is not {ca, leaf, dnsName}: %v\n", line, err)
			os.Exit(2)
		}
		if err := verify(in); err == nil {
			result.Verified++
		} else {
			result.Refused++
			if len(result.Errors) < shownErrors {
				result.Errors = append(result.Errors, fmt.Sprintf("line %d: %v", line, err))
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil || result.Refused > 0 {
		os.Exit(1)
	}
}

func verify(in input) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(in.CA)) {
		return errors.New("the bundle holds no certificate that Go can read")
	}
	block, _ := pem.Decode([]byte(in.Leaf))
	if block == nil {
		return errors.New("the leaf is not PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if leaf.SerialNumber.Sign() <= 0 {
		return errors.New("the serial number is not positive")
	}
	_, err = leaf.Verify(x509.VerifyOptions{
		Roots:     roots,
		DNSName:   in.DNSName,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}
