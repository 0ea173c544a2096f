package panel

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Total int    `json:"total" doc:"How many there are on all pages"`
	Next  string `json:"next" doc:"Cursor of the next page; empty on the last"`
}

// pageOf shows a whole list as one page.
func pageOf[T, S any](list []T, show func(T) S) page[S] {
	out := page[S]{Items: make([]S, 0, len(list)), Total: len(list)}
	for _, one := range list {
		out.Items = append(out.Items, show(one))
	}
	return out
}
