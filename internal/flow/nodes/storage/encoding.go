package storage

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// codec turns text into the bytes of a file and back.
type codec interface {
	encode(text string) []byte
	decode(b []byte) string
}

// findCodec returns the codec of an encoding of the dialog. "none" is UTF-8 as it is, "utf8"
// takes a byte order mark off. The error names what isn't known.
func findCodec(name string) (codec, error) {
	plain := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	switch plain {
	case "none", "":
		return plainText{}, nil
	case "utf8", "unicode11utf8":
		return utf8Text{}, nil
	case "base64":
		return base64Text{}, nil
	case "hex":
		return hexText{}, nil
	}
	if e := tables[plain]; e != nil {
		return table{e}, nil
	}
	if n, ok := strings.CutPrefix(plain, "cp125"); ok {
		plain = "windows125" + n
	}
	if e, err := htmlindex.Get(strings.Replace(plain, "windows", "windows-", 1)); err == nil {
		return table{e}, nil
	}
	if e, err := htmlindex.Get(name); err == nil {
		return table{e}, nil
	}
	return nil, flow.NewError("Encoding not recognized: '%s' (searched as: '%s')", name, plain)
}

// tables are the encodings that the web doesn't name as iconv does.
var tables = map[string]encoding.Encoding{
	"ascii": latin1, "binary": latin1, "latin1": latin1, "iso88591": latin1, "cp1252": charmap.Windows1252,
	"ucs2": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf16le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf16be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf16": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf32le": utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), "utf32be": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
	"utf32": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM),
	"cp437": charmap.CodePage437, "cp850": charmap.CodePage850, "cp852": charmap.CodePage852, "cp855": charmap.CodePage855,
	"cp858": charmap.CodePage858, "cp860": charmap.CodePage860, "cp862": charmap.CodePage862, "cp863": charmap.CodePage863,
	"cp865": charmap.CodePage865, "cp866": charmap.CodePage866, "cp1047": charmap.CodePage1047,
	"macintosh": charmap.Macintosh, "macroman": charmap.Macintosh, "maccyrillic": charmap.MacintoshCyrillic,
	"iso885911": charmap.Windows874, "tis620": charmap.Windows874, "iso885910": charmap.ISO8859_10,
	"iso88599": charmap.ISO8859_9, "big5hkscs": mustHTML("big5"), "cp932": mustHTML("shift_jis"), "windows31j": mustHTML("shift_jis"), "sjis": mustHTML("shift_jis"),
	"cp936": mustHTML("gbk"), "gb2312": mustHTML("gbk"), "eucccn": mustHTML("gbk"), "euccn": mustHTML("gbk"),
	"cp949": mustHTML("euc-kr"), "cp950": mustHTML("big5"), "iso2022jp": mustHTML("iso-2022-jp"),
	"eucjp": mustHTML("euc-jp"), "euckr": mustHTML("euc-kr"), "shiftjis": mustHTML("shift_jis"), "koi8r": charmap.KOI8R, "koi8u": charmap.KOI8U,
	"iso88592": charmap.ISO8859_2, "iso88593": charmap.ISO8859_3, "iso88594": charmap.ISO8859_4, "iso88595": charmap.ISO8859_5,
	"iso88596": charmap.ISO8859_6, "iso88597": charmap.ISO8859_7, "iso88598": charmap.ISO8859_8, "iso885913": charmap.ISO8859_13,
	"iso885914": charmap.ISO8859_14, "iso885915": charmap.ISO8859_15, "iso885916": charmap.ISO8859_16,
}

var latin1 = charmap.ISO8859_1

func mustHTML(name string) encoding.Encoding {
	e, err := htmlindex.Get(name)
	if err != nil {
		panic(err) // a name of the standard
	}
	return e
}

// table is an encoding with characters of its own; what it has none for becomes "?".
type table struct{ e encoding.Encoding }

func (t table) encode(text string) []byte {
	encoder := t.e.NewEncoder()
	if b, _, err := transform.Bytes(encoder, []byte(text)); err == nil {
		return b
	}
	var out []byte
	for _, r := range text { // rare: something is not in the table
		b, _, err := transform.Bytes(encoder, []byte(string(r)))
		if err != nil {
			b = []byte("?")
		}
		out = append(out, b...)
	}
	return out
}

func (t table) decode(b []byte) string {
	out, _, err := transform.Bytes(t.e.NewDecoder(), b)
	if err != nil {
		return string(out)
	}
	return strings.TrimPrefix(string(out), "\ufeff")
}

type plainText struct{}

func (plainText) encode(text string) []byte { return []byte(text) }
func (plainText) decode(b []byte) string    { return value.DecodeUTF8(b) }

type utf8Text struct{ plainText }

func (utf8Text) decode(b []byte) string { return strings.TrimPrefix(value.DecodeUTF8(b), "\ufeff") }

type base64Text struct{}

func (base64Text) encode(text string) []byte {
	text = strings.NewReplacer("-", "+", "_", "/", "=", "", "\n", "", "\r", "", " ", "").Replace(text)
	b, _ := base64.RawStdEncoding.DecodeString(text) // as far as it goes
	return b
}

func (base64Text) decode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

type hexText struct{}

func (hexText) encode(text string) []byte {
	b, _ := hex.DecodeString(text) // as far as it goes
	return b
}

func (hexText) decode(b []byte) string { return hex.EncodeToString(b) }
