package panel

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Total int    `json:"total" doc:"How many there are on all pages"`
	Next  string `json:"next" doc:"Cursor of the next page; empty on the last"`
}

// pageOf shows a whole list as one page.
func pageOf[T, S any](list []T, show func(T) S) page[S] {
	return page[S]{Items: shown(list, show), Total: len(list)}
}

// shown is every one of a list as it is answered; never nil.
func shown[T, S any](list []T, show func(T) S) []S {
	out := make([]S, 0, len(list))
	for _, one := range list {
		out = append(out, show(one))
	}
	return out
}
