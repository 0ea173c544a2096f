// Package config reads the settings of Tsunagi's commands. A setting is defined once, as a field of a struct:
// its key in the TOML file, its TSUNAGI_… variable, its flag, its default and its documentation come from there.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"
)

// EnvPrefix begins the name of every environment variable that is a setting.
const EnvPrefix = "TSUNAGI_"

// envOther are variables with the prefix that are not settings of a command: read elsewhere, so not unknown.
var envOther = map[string]bool{
	"TSUNAGI_PASSWORD": true, // pub, sub: the password, kept off the command line
	"TSUNAGI_CHILD":    true, // set by serve for its flow servers
}

// setting is one leaf of a settings struct.
type setting struct {
	key   string // dotted, as in the file: "smtp.host"
	value reflect.Value
	help  string
	def   string
	file  bool   // only from the file: lists of tables
	hosts string // a variable of hosting platforms that counts where ours is not set: "PORT"
}

func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.key) }
func (s setting) env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// settings walks the struct that into points to. Tags: toml (name), default, help.
func settings(into any) []setting {
	var out []setting
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name := f.Tag.Get("toml")
			if name == "" || name == "-" {
				continue
			}
			if f.Type.Kind() == reflect.Struct {
				walk(prefix+name+".", v.Field(i))
				continue
			}
			list := f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct
			out = append(out, setting{prefix + name, v.Field(i), f.Tag.Get("help"), f.Tag.Get("default"), list, f.Tag.Get("env")})
		}
	}
	walk("", reflect.ValueOf(into).Elem())
	return out
}

var durationType = reflect.TypeFor[time.Duration]()

// set parses text into the setting; the error names key, value and what was wanted.
func (s setting) set(text string) error {
	v := s.value
	wrong := func(want string) error { return fmt.Errorf("%s %q: want %s", s.key, text, want) }
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return wrong(`a duration such as "10s" or "5m"`)
		}
		v.SetInt(int64(d))
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return wrong("true or false")
		}
		v.SetBool(b)
	case v.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return wrong("a whole number")
		}
		v.SetInt(int64(n))
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		if text == "" {
			v.Set(reflect.Zero(v.Type()))
			return nil
		}
		parts := strings.Split(text, ",")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		v.Set(reflect.ValueOf(parts))
	default:
		panic("config: " + s.key + " has a type that settings can't have")
	}
	return nil
}

// Validator is a settings struct that can judge itself, reporting every fault at once.
type Validator interface{ Validate() error }

// ErrHelp is returned by Load when the user asked for help; the text has been made by Usage.
var ErrHelp = pflag.ErrHelp

// Load fills into (a pointer to a settings struct) from its defaults, then the TOML file named by --config or
// TSUNAGI_CONFIG, then the environment, then args; the later wins. It returns the arguments left over. Unknown
// keys, variables and flags are errors, and so is what Validate finds.
func Load(into Validator, args []string, environ []string) ([]string, error) {
	all := settings(into)
	for _, s := range all {
		if s.def != "" {
			if err := s.set(s.def); err != nil {
				panic(err)
			}
		}
	}
	flags, given := flagSet(all)
	file := flags.String("config", "", "TOML file with settings")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	env := envSettings(environ)
	if *file == "" {
		*file = env["TSUNAGI_CONFIG"]
	}
	delete(env, "TSUNAGI_CONFIG")
	if err := loadFile(into, *file); err != nil {
		return nil, err
	}
	var errs []error
	for _, s := range all {
		text, ok := env[s.env()]
		if !ok && s.hosts != "" {
			text = variable(environ, s.hosts)
			ok = text != ""
		}
		if ok && !s.file {
			errs = append(errs, s.set(text))
			delete(env, s.env())
		}
	}
	for _, name := range sortedKeys(env) {
		errs = append(errs, fmt.Errorf("environment variable %s: no such setting; see --help for the names", name))
	}
	for _, s := range all {
		if text, ok := given[s.key]; ok {
			errs = append(errs, s.set(*text))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return flags.Args(), into.Validate()
}

// flagSet makes a flag for every setting; given collects the texts of those that were used.
func flagSet(all []setting) (*pflag.FlagSet, map[string]*string) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.Usage = func() {}
	given := map[string]*string{}
	for _, s := range all {
		if s.file {
			continue
		}
		f := flags.VarPF(&textFlag{key: s.key, kind: s.value.Kind(), given: given}, s.flag(), "", s.help)
		f.DefValue = s.def
		if s.value.Kind() == reflect.Bool {
			f.NoOptDefVal = "true"
		}
	}
	return flags, given
}

// textFlag keeps the text of a flag that was used; it is parsed after file and environment.
type textFlag struct {
	key   string
	kind  reflect.Kind
	given map[string]*string
}

func (t *textFlag) String() string { return "" }
func (t *textFlag) Set(s string) error {
	t.given[t.key] = &s
	return nil
}
func (t *textFlag) Type() string {
	switch t.kind {
	case reflect.Bool:
		return ""
	case reflect.Int64, reflect.Int:
		return "value"
	default:
		return "text"
	}
}

func loadFile(into any, name string) error {
	if name == "" {
		return nil
	}
	md, err := toml.DecodeFile(name, into)
	if err != nil {
		var parse toml.ParseError
		if errors.As(err, &parse) {
			return fmt.Errorf("settings file %s, line %d: %s", name, parse.Position.Line, parse.Message)
		}
		return fmt.Errorf("settings file %s: %w", name, err)
	}
	var errs []error
	for _, key := range md.Undecoded() {
		errs = append(errs, fmt.Errorf("settings file %s: %s: no such setting; see --help for the names", name, key))
	}
	return errors.Join(errs...)
}

// envSettings are the variables with our prefix.
func envSettings(environ []string) map[string]string {
	out := map[string]string{}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, EnvPrefix) && !envOther[name] {
			out[name] = value
		}
	}
	return out
}

// variable is the value of a variable, "" where it is not set.
func variable(environ []string, name string) (value string) {
	for _, kv := range environ {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			value = v
		}
	}
	return value
}

// Usage describes every setting: flag, variable, default.
func Usage(into any) string {
	var b strings.Builder
	for _, s := range settings(into) {
		if s.file {
			fmt.Fprintf(&b, "  [[%s]] in the settings file\n      %s\n", s.key, s.help)
			continue
		}
		fmt.Fprintf(&b, "  --%s", s.flag())
		if s.def != "" && s.value.Kind() != reflect.Bool {
			fmt.Fprintf(&b, " (%s)", s.def)
		}
		fmt.Fprintf(&b, "  %s", s.env())
		if s.hosts != "" {
			fmt.Fprintf(&b, " or %s", s.hosts)
		}
		fmt.Fprintf(&b, "\n      %s\n", s.help)
	}
	b.WriteString("  --config  TSUNAGI_CONFIG\n      TOML file with settings; the environment and flags win over it\n")
	return b.String()
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
