package panel

import "tsunagi/internal/markup"

// The shapes of the reference page.
const (
	referencePage = `<!doctype html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{title}} · Tsunagi</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/api/reference.css">
</head>
<body>
<header>
<p><a href="/">{{panel}}</a> · <a href="/api/openapi.json">{{document}}</a></p>
<h1>{{title}}</h1>
<p>{{intro}}</p>
</header>
<nav aria-label="{{groupsLabel}}"><ul>{{links}}</ul></nav>
<main>
<section class="intro">
{{paragraphs}}</section>
{{groups}}</main>
</body>
</html>
`
	referenceLinkShape  = `<li><a href="#{{tag}}">{{name}}</a></li>`
	referenceGroupShape = `
<section>
<h2 id="{{tag}}">{{name}}</h2>
{{routes}}</section>
`
	referenceRouteShape = `<details id="{{id}}">
<summary><span class="method {{method}}">{{method}}</span> <code>{{path}}</code> <span class="what">{{summary}}</span></summary>
<p class="who"><a id="to-{{id}}" href="#to-{{id}}">#{{id}}</a> · {{who}}</p>
{{params}}{{body}}{{answer}}<h3>{{example}}</h3>
<pre tabindex="0"><code>{{curl}}</code></pre>
<p class="statuses">{{statusesLabel}}{{statuses}}</p>
</details>
`
	referenceListShape  = "<h3>{{title}}</h3>\n<dl>{{fields}}</dl>\n"
	referenceFieldShape = "<dt><code>{{name}}</code> <small>{{kind}}</small></dt><dd>{{about}}</dd>"
)

// page makes the markup.
func (b referenceBody) page() markup.HTML {
	paragraphs := []string{b.Text["Begin"], b.Text["Failures"], b.Text["Pages"], b.Text["Once"], b.Text["Versions"], b.Text["Rates"]}
	return markup.Fill(referencePage, markup.Values{
		"language": b.Language, "title": b.Text["Title"], "panel": b.Text["Panel"], "document": b.Text["Document"], "intro": b.Text["Intro"],
		"groupsLabel": b.Text["Groups"],
		"links": markup.Each(b.Groups, referenceLinkShape, func(g referenceGroup) markup.Values {
			return markup.Values{"tag": g.Tag, "name": g.Name}
		}),
		"paragraphs": markup.Each(paragraphs, "<p>{{text}}</p>\n", func(text string) markup.Values { return markup.Values{"text": text} }),
		"groups": markup.Each(b.Groups, referenceGroupShape, func(g referenceGroup) markup.Values {
			return markup.Values{"tag": g.Tag, "name": g.Name, "routes": markup.Each(g.Routes, referenceRouteShape, b.route)}
		}),
	})
}

// route is what stands of one route.
func (b referenceBody) route(r referenceRoute) markup.Values {
	return markup.Values{
		"id": r.ID, "method": r.Method, "path": r.Path, "summary": r.Summary, "who": r.Who, "curl": r.Curl,
		"params": b.list("Params", r.Params), "body": b.list("Body", r.Fields), "answer": b.list("Answer", r.Answers),
		"example": b.Text["Example"], "statusesLabel": b.Text["Statuses"],
		"statuses": markup.Each(r.Statuses, " <code>{{status}}</code>", func(status string) markup.Values { return markup.Values{"status": status} }),
	}
}

// list is a heading with parameters or fields below; nothing where there are none.
func (b referenceBody) list(title string, fields []referenceField) markup.HTML {
	rows := markup.Each(fields, referenceFieldShape, func(f referenceField) markup.Values {
		kind := f.Type
		if f.In != "" && kind != "" {
			kind = f.In + ", " + kind
		} else if f.In != "" {
			kind = f.In
		}
		if f.Required && title != "Answer" {
			kind += ", " + b.Text["Required"]
		}
		return markup.Values{"name": f.Name, "kind": kind, "about": f.About}
	})
	return markup.When(len(fields) > 0, referenceListShape, markup.Values{"title": b.Text[title], "fields": rows})
}
