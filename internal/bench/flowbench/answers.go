package main

import (
	"fmt"
	"hash/crc32"
	"strconv"
)

// scenario says what goes in and what has to come out. An input has one or more answers, each in the order of the
// inputs.
type scenario struct {
	answers int
	in      func(dst []byte, n int) []byte
	out     func(n, k int) string // answer k to input n
	which   func(payload []byte) int
}

func first([]byte) int { return 0 }

func reading(dst []byte, n int) []byte {
	return fmt.Appendf(dst, `{"n":%d,"t":%s,"h":%d,"loc":{"room":"kitchen","floor":%d},"ok":true}`, n, js(temperature(n)), 40+n%20, n%3)
}

func temperature(n int) float64 { return float64(180+n%120) / 10 }

// js writes a number as JavaScript does, for the sizes that occur here.
func js(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func fahrenheit(n int) string {
	t := temperature(n)
	scaled := t * 1.8 // rounded before it is added to, as JavaScript does
	return js(scaled + 32)
}

var (
	pass    = scenario{1, reading, func(n, _ int) string { return string(reading(nil, n)) }, first}
	celsius = scenario{1, reading, func(n, _ int) string {
		text := string(reading(nil, n))
		return text[:len(text)-1] + `,"f":` + fahrenheit(n) + "}"
	}, first}
	chained = scenario{1, reading, func(n, _ int) string {
		return fmt.Sprintf(`{"n":%d,"text":"kitchen: %s C"}`, n, js(temperature(n)))
	}, first}
	fanned = scenario{4, reading, func(n, k int) string {
		return fmt.Sprintf(`{"n":%d,"k":%d,"f":%s}`, n, k, fahrenheit(n))
	}, func(payload []byte) int {
		for i := range payload {
			if k := i + 5; k < len(payload) && string(payload[i:k-1]) == `"k":` {
				return int(payload[k-1]-'0') & 3
			}
		}
		return 0
	}}
	expressed = scenario{1, reading, func(n, _ int) string {
		return fmt.Sprintf(`{"n":%d,"f":%s,"room":"kitchen","hot":%t}`, n, fahrenheit(n), temperature(n) > 25)
	}, first}
	crc = scenario{1, reading, func(n, _ int) string {
		b := make([]byte, 1024)
		for i := range b {
			b[i] = byte(n + i)
		}
		return fmt.Sprintf(`{"n":%d,"crc":%d}`, n, crc32.ChecksumIEEE(b))
	}, first}
)
