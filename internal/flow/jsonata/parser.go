package jsonata

const (
	maxSource  = 128 << 10 // bytes of an expression
	maxNesting = 1000      // levels of brackets and operators
	maxHeight  = 5000      // levels of nodes, those of chains such as 1+1+1 included
	maxNodes   = 1 << 18   // nodes, since ?: and ?? copy their left side
)

// parser reads an expression by operator precedence (Pratt). It panics with *Error.
type parser struct {
	lexer
	tok   token
	depth int
	nodes int
}

// parse reads an expression into what compile understands.
func parse(src string) (n *node, err *Error) {
	if len(src) > maxSource {
		return nil, &Error{Code: "S0501"}
	}
	defer func() {
		if x := recover(); x != nil {
			e, ok := x.(*Error)
			if !ok {
				panic(x)
			}
			n, err = nil, e
		}
	}()
	p := &parser{lexer: lexer{src: src}}
	p.advance("", false)
	n = p.expression(0)
	if p.tok.kind != tokEnd {
		panic(&Error{Code: "S0201", Position: p.tok.pos, Token: p.tok.text})
	}
	if n.height() > maxHeight {
		panic(&Error{Code: "S0502", Position: n.pos})
	}
	r := &resolver{}
	n = r.resolve(n)
	if n.kind == kParent || len(n.seeking) > 0 {
		panic(&Error{Code: "S0217", Position: n.pos})
	}
	return n, nil
}

// is says whether the present token is the operator.
func (p *parser) is(op string) bool { return p.tok.kind == tokOperator && p.tok.text == op }

// advance goes to the next token; want, unless empty, is what the present one must be.
func (p *parser) advance(want string, operand bool) {
	if want != "" && !p.is(want) {
		code := "S0202"
		if p.tok.kind == tokEnd {
			code = "S0203"
		}
		panic(&Error{Code: code, Position: p.tok.pos, Token: p.tok.text, Text: want})
	}
	p.tok = p.next(operand)
	if p.tok.kind == tokOperator {
		if _, ok := bindingPower[p.tok.text]; !ok {
			panic(&Error{Code: "S0204", Position: p.tok.pos, Token: p.tok.text})
		}
	}
}

func (p *parser) expression(power int) *node {
	if p.depth++; p.depth > maxNesting {
		panic(&Error{Code: "S0502", Position: p.tok.pos})
	}
	t := p.tok
	p.advance("", true)
	left := p.prefix(t)
	for p.tok.kind == tokOperator && power < bindingPower[p.tok.text] {
		t = p.tok
		p.advance("", false)
		left = p.infix(left, t)
	}
	p.depth--
	return left
}

func (p *parser) node(k kind, t token) *node {
	if p.nodes++; p.nodes > maxNodes {
		panic(&Error{Code: "S0501", Position: t.pos})
	}
	return &node{kind: k, value: t.text, lit: t.lit, re: t.re, pos: t.pos}
}

// twin copies a node for ?: and ??, which look at their left side twice.
func (p *parser) twin(n *node) *node {
	p.nodes += n.count()
	if p.nodes > maxNodes {
		panic(&Error{Code: "S0501", Position: n.pos})
	}
	return n.copy()
}

func (n *node) count() int {
	if n == nil {
		return 0
	}
	c := 1
	for _, e := range []*node{n.lhs, n.rhs, n.proc, n.cond, n.then, n.other, n.pattern, n.update, n.remove, n.body} {
		c += e.count()
	}
	for _, e := range n.list {
		c += e.count()
	}
	for _, e := range n.pairs {
		c += e[0].count() + e[1].count()
	}
	for _, e := range n.terms {
		c += e.expr.count()
	}
	return c
}

// prefix reads what begins with t.
func (p *parser) prefix(t token) *node {
	switch t.kind {
	case tokName:
		return p.node(kName, t)
	case tokVariable:
		return p.node(kVariable, t)
	case tokString, tokNumber, tokValue:
		return p.node(kLiteral, t)
	case tokRegex:
		return p.node(kRegex, t)
	case tokEnd:
		return p.node(kEnd, t)
	}
	switch t.text {
	case "and", "or", "in":
		return p.node(kOperator, t)
	case "-":
		n := p.node(kUnary, t)
		n.lhs = p.expression(70)
		return n
	case "*":
		return p.node(kWildcard, t)
	case "**":
		return p.node(kDescendant, t)
	case "%":
		return p.node(kParent, t)
	case "(":
		return p.block(t)
	case "[":
		return p.array(t)
	case "{":
		n := p.node(kUnary, t)
		n.pairs = p.object()
		return n
	case "|":
		return p.transform(t)
	}
	panic(&Error{Code: "S0211", Position: t.pos, Token: t.text})
}

func (p *parser) block(t token) *node {
	n := p.node(kBlock, t)
	for !p.is(")") {
		n.list = append(n.list, p.expression(0))
		if !p.is(";") {
			break
		}
		p.advance(";", false)
	}
	p.advance(")", true)
	return n
}

func (p *parser) array(t token) *node {
	n := p.node(kUnary, t)
	for !p.is("]") {
		item := p.expression(0)
		if p.is("..") {
			r := p.node(kBinary, p.tok)
			p.advance("..", false)
			r.lhs, r.rhs = item, p.expression(0)
			item = r
		}
		n.list = append(n.list, item)
		if !p.is(",") {
			break
		}
		p.advance(",", false)
		if p.is("]") { // a comma wants an element behind it
			n.list = append(n.list, p.expression(0))
		}
	}
	p.advance("]", true)
	return n
}

func (p *parser) object() (pairs [][2]*node) {
	if !p.is("}") {
		for {
			key := p.expression(0)
			p.advance(":", false)
			pairs = append(pairs, [2]*node{key, p.expression(0)})
			if !p.is(",") {
				break
			}
			p.advance(",", false)
		}
	}
	p.advance("}", true)
	return pairs
}

func (p *parser) transform(t token) *node {
	n := p.node(kTransform, t)
	n.pattern = p.expression(0)
	p.advance("|", false)
	n.update = p.expression(0)
	if p.is(",") {
		p.advance(",", false)
		n.remove = p.expression(0)
	}
	p.advance("|", false)
	return n
}

// infix reads what stands behind left and the operator t.
func (p *parser) infix(left *node, t token) *node {
	switch t.text {
	case "(":
		return p.call(left, t)
	case "[":
		return p.predicate(left, t)
	case "{":
		n := p.node(kBinary, t)
		n.lhs, n.pairs = left, p.object()
		return n
	case "^":
		return p.order(left, t)
	case ":=":
		if left.kind != kVariable {
			panic(&Error{Code: "S0212", Position: left.pos, Token: left.value})
		}
		return p.binary(left, t, bindingPower[":="]-1)
	case "@", "#":
		n := p.binary(left, t, bindingPower[t.text])
		if n.rhs.kind != kVariable {
			panic(&Error{Code: "S0214", Position: n.rhs.pos, Token: t.text})
		}
		return n
	case "?", "?:", "??":
		return p.choice(left, t)
	}
	return p.binary(left, t, bindingPower[t.text])
}

func (p *parser) binary(left *node, t token, power int) *node {
	n := p.node(kBinary, t)
	n.lhs, n.rhs = left, p.expression(power)
	return n
}

func (p *parser) choice(left *node, t token) *node {
	n := p.node(kCondition, t)
	n.then = left
	switch t.text {
	case "?":
		n.cond, n.then = left, p.expression(0)
		if !p.is(":") {
			return n
		}
		p.advance(":", false)
	case "?:":
		n.cond = p.twin(left)
	case "??":
		n.cond = &node{kind: kFunction, value: "(", proc: &node{kind: kVariable, value: "exists"}, list: []*node{p.twin(left)}}
	}
	n.other = p.expression(0)
	return n
}

func (p *parser) predicate(left *node, t token) *node {
	if p.is("]") {
		step := left
		for step.kind == kBinary && step.value == "[" {
			step = step.lhs
		}
		step.keepArray = true
		p.advance("]", false)
		return left
	}
	n := p.node(kBinary, t)
	n.lhs, n.rhs = left, p.expression(0)
	p.advance("]", true)
	return n
}

func (p *parser) order(left *node, t token) *node {
	n := p.node(kBinary, t)
	n.lhs = left
	p.advance("(", false)
	for {
		var term sortTerm
		if p.is("<") {
			p.advance("<", false)
		} else if p.is(">") {
			term.descending = true
			p.advance(">", false)
		}
		term.expr = p.expression(0)
		n.terms = append(n.terms, term)
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance(")", false)
	return n
}

func (p *parser) call(left *node, t token) *node {
	n := p.node(kFunction, t)
	n.proc = left
	if !p.is(")") {
		for {
			if p.is("?") {
				n.kind = kPartial
				n.list = append(n.list, p.node(kOperator, p.tok))
				p.advance("?", false)
			} else {
				n.list = append(n.list, p.expression(0))
			}
			if !p.is(",") {
				break
			}
			p.advance(",", false)
		}
	}
	p.advance(")", true)
	if left.kind == kName && (left.value == "function" || left.value == "λ") {
		p.lambda(n)
	}
	return n
}

func (p *parser) lambda(n *node) {
	for i, a := range n.list {
		if a.kind != kVariable {
			panic(&Error{Code: "S0208", Position: a.pos, Token: a.value, Index: i + 1})
		}
	}
	n.kind = kLambda
	if p.is("<") {
		start, text, depth := p.tok.pos, "<", 1
		for depth > 0 && !p.is("{") && p.tok.kind != tokEnd {
			p.advance("", false)
			if p.is(">") {
				depth--
			} else if p.is("<") {
				depth++
			}
			text += p.tok.text
		}
		p.advance(">", false)
		sig, err := parseSignature(text)
		if err != nil {
			err.Position = start + err.Index
			panic(err)
		}
		n.sig = sig
	}
	p.advance("{", false)
	n.body = p.expression(0)
	p.advance("}", false)
}
