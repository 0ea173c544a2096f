package account

import (
	"strings"
	"sync"
)

// commonWords are words that people like in passwords. The set is made when a password is judged for the first time.
var commonWords = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(wordList) {
		set[w] = true
	}
	return set
})

const wordList = `
password passwort passwd pass passphrase motdepasse contrasena senha pasuwado secret secure security private access
login logon admin administrator root user guest test tester testing demo sample default changeme change enter welcome
hello letmein open sesame master super superuser service system server client network internet web wifi router home
house office work company business computer laptop desktop phone mobile iphone samsung android apple google facebook
twitter instagram youtube amazon microsoft windows linux ubuntu debian docker github cloud mqtt broker node red arduino
raspberry raspberrypi esp sensor smart iot tsunagi mosquitto
qwerty qwertz azerty asdf zxcv iloveyou loveyou love lovely lover forever always never baby babe honey sweet sweetie
angel princess prince queen king lady girl boy woman man friend friends family mother father mama papa mom dad sister
brother son daughter kitty kitten puppy cat dog tiger lion bear wolf eagle falcon monkey dragon horse pony rabbit
bunny panda dolphin shark snake spider butterfly bird fish turtle hamster chicken
sun sunny sunshine moon star stars starwars sky rain rainbow snow storm thunder lightning fire flame ice water ocean
river mountain forest flower rose daisy lily tulip tree summer winter spring autumn fall january february march april
may june july august september october november december monday tuesday wednesday thursday friday saturday sunday
today tomorrow yesterday christmas easter halloween birthday holiday vacation travel
red blue green yellow orange purple pink black white brown silver gold golden diamond crystal pearl
football soccer baseball basketball hockey tennis golf racing runner player winner champion liverpool arsenal chelsea
barcelona madrid juventus bayern dortmund manchester united lakers yankees cowboys steelers eagles giants rangers
michael jordan robert daniel thomas james john william david richard joseph charles george andrew joshua matthew
anthony steven kevin brian jason justin ryan eric mark paul peter alex alexander christian martin stefan andreas
jennifer jessica ashley amanda sarah michelle nicole melissa elizabeth stephanie samantha maria anna laura julia
sophie emma olivia hannah lisa susan karen nancy linda barbara patricia charlie maggie buddy rocky max oliver jack
harry ginger pepper cookie coffee chocolate cheese banana apple cherry lemon strawberry pizza burger butter sugar
candy peanut pumpkin
batman superman spiderman ironman hulk joker pokemon pikachu naruto matrix hunter killer ninja samurai pirate warrior
knight wizard magic harrypotter hobbit gandalf legend hero ghost shadow phantom demon devil satan hell heaven
jesus christ god lord faith hope peace freedom liberty justice power strong force energy electric
mustang ferrari porsche mercedes toyota honda yamaha harley corvette camaro ford chevy audi
guitar music rock metal jazz piano drum dance disco party movie video game gamer minecraft fortnite player
whatever nothing something anything everything trustno trustnoone fuckyou fuck shit sexy hot cool crazy happy lucky
funny silly stupid smile beautiful pretty perfect awesome
sakura tokyo osaka kyoto japan nippon nihon doraemon totoro suzuki tanaka sato yamada watanabe takahashi arigato
konnichiwa ohayou aishiteru daisuki neko inu
london paris berlin newyork texas california florida chicago boston dallas america england france germany italy spain
russia china india mexico canada australia world earth
one two three four five six seven eight nine ten zero hundred thousand million abc abcd abcdef xyz
correct horse battery staple
`
