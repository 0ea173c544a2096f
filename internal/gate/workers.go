package gate

import "sync"

// idleWorkers bounds the goroutines that wait for work with a stack that has grown.
const idleWorkers = 64

// workers are goroutines for what needs a deep stack: a login, the packets of a connection that is mostly silent. The
// goroutine that waits for a connection's bytes keeps its first 2 KiB this way, for a stack that has grown never shrinks
// below 4 KiB again, and neither a new goroutine nor the growing of its stack has to be paid for each time. There are as
// many as there is work for; those that have none wait for the next, up to idleWorkers of them.
type workers struct{ idle chan *worker }

type worker struct {
	jobs chan job
	done chan error // the answer to a job's ask
}

// job is one thing to do: ask has somebody who waits for it, do has not.
type job struct {
	ask func() error
	do  func()
	wg  *sync.WaitGroup // counts do
}

func newWorkers() workers { return workers{make(chan *worker, idleWorkers)} }

// start has f run, and doesn't wait for it; wg counts it.
func (p workers) start(wg *sync.WaitGroup, f func()) {
	wg.Add(1)
	p.get().jobs <- job{do: f, wg: wg}
}

// run has f run and waits for it.
func (p workers) run(f func() error) error {
	w := p.get()
	w.jobs <- job{ask: f}
	err := <-w.done
	p.put(w)
	return err
}

func (p workers) get() *worker {
	select {
	case w := <-p.idle:
		return w
	default:
	}
	w := &worker{make(chan job, 1), make(chan error, 1)}
	go w.work(p) // ends when put finds no place for it, or with stop
	return w
}

func (p workers) put(w *worker) {
	select {
	case p.idle <- w:
	default:
		close(w.jobs)
	}
}

// stop ends those that wait for work.
func (p workers) stop() {
	for {
		select {
		case w := <-p.idle:
			close(w.jobs)
		default:
			return
		}
	}
}

func (w *worker) work(p workers) {
	for j := range w.jobs {
		if j.ask != nil {
			w.done <- j.ask()
			continue
		}
		j.do()
		p.put(w) // first: who waits for wg calls stop
		j.wg.Done()
	}
}
