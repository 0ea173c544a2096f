package account_test

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"tsunagi/internal/account"
)

// TestTortureTimes is attack row 18 in its long form: over 5,000 wrong logins of each kind, in turns, how long the answer
// takes tells nothing about whether the user exists. That each costs one slow hash is TestLogin.
func TestTortureTimes(t *testing.T) {
	if os.Getenv("TORTURE_ROUNDS") == "" {
		t.Skip("long, and its times want a quiet machine: make torture runs it")
	}
	const rounds = 5000
	w := newWorldHashing(t, 256)
	in, _ := w.instance(w.owner)
	if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "chosen", Password: "word of mine", Connect: true}); err != nil {
		t.Fatal(err)
	}
	var sum, squares [2]float64
	for i := range 2 * rounds {
		who := (i + i/2) % 2 // the one first, then the other first
		w.wait(10 * time.Second)
		c := account.Credentials{Instance: in.ID, User: []string{"chosen", "nobody"}[who], Password: "wrong",
			Remote: fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)}
		began := time.Now()
		_, err := w.Directory().Authenticate(w.ctx, c)
		took := time.Since(began).Seconds() * 1e6
		if err == nil {
			t.Fatal("let in")
		}
		took = math.Log(took) // so that a pause of the machine counts little
		sum[who] += took
		squares[who] += took * took
	}
	mean := [2]float64{sum[0] / rounds, sum[1] / rounds}
	variance := (squares[0]/rounds - mean[0]*mean[0] + squares[1]/rounds - mean[1]*mean[1]) / rounds
	apart := math.Abs(mean[0]-mean[1]) / math.Sqrt(variance)
	t.Logf("user %.1f µs, nobody %.1f µs: %.2f standard errors apart", math.Exp(mean[0]), math.Exp(mean[1]), apart)
	if apart > 4 && math.Abs(mean[0]-mean[1]) > 0.01 {
		t.Errorf("the times are %.1f standard errors and %.1f %% apart", apart, 100*math.Abs(mean[0]-mean[1]))
	}
}
