package dev.tritium.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.Product;
import dev.tritium.kernel.QuantizedRows;
import dev.tritium.kernel.RowKernels;
import dev.tritium.kernel.Rows;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.kernel.Workers;
import dev.tritium.model.Batch.Group;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The MatMul-free LM (arXiv 2406.02528; model_type {@code hgrn_bit} of matmulfreellm): a gated
 * linear recurrence and a gated MLP in each block, every matrix ternary, the head too.
 *
 * <p>The state of a sequence is one vector for each layer, [layers, hidden], whatever its length.
 */
public final class HgrnBit implements LanguageModel {
  /** The family of {@code hgrn_bit}. */
  public static final ModelFamily FAMILY = new Family();

  private final Weights weights;
  private final Config config;
  private final ModelDescription description;
  private final TernaryKernels ternary;
  private final Workers workers;
  private final RowKernels rows;
  private final Embedding embedding;
  private final Block[] blocks;
  private final float[] finalNorm; // [hidden]
  private final BitLinear head;
  private final Workspace work;
  private final SegmentPool snapshotMemory;
  private final Product[] headProduct; // one phase
  private final Workers.Task headInput = (r, worker) -> headInput(r);
  private int[] headSources = {}; // [wanted], rows of the batch
  private List<Group> groups = List.of(); // of the batch that runs

  private HgrnBit(Weights weights, Kernels kernels) {
    this.weights = weights;
    this.config = Config.of(weights.config());
    this.ternary = kernels.ternary();
    this.workers = kernels.workers();
    this.rows = kernels.rows();
    this.description = FAMILY.describe(weights.config(), weights.eosIds());
    this.work = new Workspace(config);
    this.snapshotMemory = new SegmentPool(description.stateBytes());
    try {
      embedding = new Embedding(weights.tensor(EMBEDDINGS));
      float[][] lowerBounds = lowerBounds();
      blocks = new Block[config.layers];
      for (int l = 0; l < config.layers; l++) {
        blocks[l] = new Block(l, lowerBounds[l]);
      }
      finalNorm = floats("model.norm.weight");
      head = bitLinear(config.headWeight(), "lm_head.norm.weight");
      headProduct = new Product[] {head.product(work.headInput, work.logits)};
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  // ---------------------------------------------------------------- configuration

  private static final String EMBEDDINGS = "model.embeddings.weight";
  private static final String LOWER_BOUNDS = "model.lower_bounds";

  /** config.json, with the defaults of configuration_hgrn_bit.py. */
  private record Config(
      int vocabulary,
      int hidden,
      int layers,
      int intermediate,
      float epsilon,
      boolean lowerBounds,
      boolean tiedHead) {

    static Config of(ModelConfig json) {
      require(json, "use_short_conv", json.booleanValue("use_short_conv", false), false);
      require(json, "expand_ratio", json.doubleValue("expand_ratio", 1), 1.0);
      require(
          json, "attn_mode", json.stringValue("attn_mode", "fused_recurrent"), "fused_recurrent");
      require(json, "hidden_act", json.stringValue("hidden_act", "swish"), "swish", "silu");
      int hidden = json.positiveInt("hidden_size", 2048);
      int hiddenRatio = json.positiveInt("hidden_ratio", 4);
      return new Config(
          json.positiveInt("vocab_size", 32000),
          hidden,
          json.positiveInt("num_hidden_layers", 24),
          json.positiveInt("intermediate_size", defaultIntermediate(hidden, hiddenRatio)),
          epsilon(json),
          json.booleanValue("use_lower_bound", true),
          json.booleanValue("tie_word_embeddings", false));
    }

    private static float epsilon(ModelConfig json) {
      float epsilon = (float) json.doubleValue("rms_norm_eps", 1e-6);
      if (!(epsilon > 0)) {
        throw json.unexpected("rms_norm_eps", "a number above 0");
      }
      return epsilon;
    }

    private static void require(ModelConfig json, String key, Object found, Object... supported) {
      if (!List.of(supported).contains(found)) {
        throw json.unexpected(
            key, "%s, which is all that hgrn_bit supports".formatted(joined(supported)));
      }
    }

    private static String joined(Object... values) {
      return Stream.of(values).map(Object::toString).collect(Collectors.joining(" or "));
    }

    /** Two thirds of hidden * ratio, rounded up to a multiple of 256. */
    private static int defaultIntermediate(int hidden, int hiddenRatio) {
      long twoThirds = (long) hidden * hiddenRatio * 2 / 3;
      return Math.toIntExact((twoThirds + 255) / 256 * 256);
    }

    String headWeight() {
      return tiedHead ? EMBEDDINGS : "lm_head.weight";
    }

    Stream<TensorSpec> tensors() {
      Stream<TensorSpec> model =
          Stream.of(
              TensorSpec.floats(EMBEDDINGS, (long) vocabulary, (long) hidden),
              TensorSpec.floats("model.norm.weight", (long) hidden),
              TensorSpec.floats("lm_head.norm.weight", (long) hidden),
              TensorSpec.ternary(headWeight(), vocabulary, hidden));
      Stream<TensorSpec> bounds =
          lowerBounds
              ? Stream.of(TensorSpec.floats(LOWER_BOUNDS, (long) layers, (long) hidden))
              : Stream.empty();
      Stream<TensorSpec> blocks = IntStream.range(0, layers).boxed().flatMap(this::blockTensors);
      return Stream.of(model, bounds, blocks).flatMap(Function.identity());
    }

    private Stream<TensorSpec> blockTensors(int layer) {
      String block = "model.layers." + layer + ".";
      Stream<TensorSpec> norms =
          Stream.of("attn_norm", "attn.g_norm", "mlp_norm")
              .map(norm -> TensorSpec.floats(block + norm + ".weight", (long) hidden));
      Stream<TensorSpec> linears =
          Stream.of(
                  linear(block + "attn.i_proj", hidden, hidden),
                  linear(block + "attn.f_proj", hidden, hidden),
                  linear(block + "attn.g_proj", hidden, hidden),
                  linear(block + "attn.o_proj", hidden, hidden),
                  linear(block + "mlp.gate_proj", 2L * intermediate, hidden),
                  linear(block + "mlp.down_proj", hidden, intermediate))
              .flatMap(Function.identity());
      return Stream.concat(norms, linears);
    }

    private static Stream<TensorSpec> linear(String name, long out, long in) {
      return Stream.of(
          TensorSpec.ternary(name + ".weight", out, in),
          TensorSpec.floats(name + ".norm.weight", in));
    }

    long ternaryParameters() {
      long block = 4L * hidden * hidden + 3L * intermediate * hidden;
      return layers * block + (long) vocabulary * hidden;
    }

    /** A tied head's matrix is stored once. */
    long parameters() {
      long norms = layers * (8L * hidden + intermediate) + 2L * hidden;
      long table = (long) vocabulary * hidden;
      return (tiedHead ? 0 : table)
          + ternaryParameters()
          + norms
          + (lowerBounds ? (long) layers * hidden : 0);
    }
  }

  private static final class Family implements ModelFamily {
    @Override
    public String modelType() {
      return "hgrn_bit";
    }

    @Override
    public ModelDescription describe(ModelConfig json, Set<Integer> namedEosIds) {
      Config config = Config.of(json);
      return new ModelDescription(
          modelType(),
          config.vocabulary,
          config.hidden,
          config.layers,
          config.intermediate,
          config.parameters(),
          config.ternaryParameters(),
          4L * config.layers * config.hidden,
          eosIds(json, namedEosIds, config.vocabulary));
    }

    /** configuration_hgrn_bit.py's default is 2. Ids outside of the vocabulary are never drawn. */
    private static Set<Integer> eosIds(ModelConfig json, Set<Integer> named, int vocabulary) {
      Set<Integer> ids = new TreeSet<>(named);
      if (!json.has("eos_token_id")) {
        ids.add(2);
      }
      ids.removeIf(id -> id >= vocabulary);
      return ids;
    }

    @Override
    public Stream<TensorSpec> tensors(ModelConfig json) {
      return Config.of(json).tensors();
    }

    @Override
    public LanguageModel load(Weights weights, Kernels kernels) {
      return new HgrnBit(weights, kernels);
    }
  }

  // ---------------------------------------------------------------- loading

  private float[] floats(String name) {
    return weights.tensor(name).toFloats();
  }

  private BitLinear bitLinear(String weight, String norm) {
    return new BitLinear(floats(norm), weights.ternary(weight), rows);
  }

  private BitLinear bitLinear(String name) {
    return bitLinear(name + ".weight", name + ".norm.weight");
  }

  /**
   * Lower bounds of the forget gates [layers, hidden]: P = softmax over the layers for each
   * channel, bound of layer l = sum of P up to l, less P of layer 0; so layer 0 has none.
   */
  private float[][] lowerBounds() {
    float[][] bounds = new float[config.layers][config.hidden];
    if (!config.lowerBounds) {
      return bounds;
    }
    float[] logits = floats(LOWER_BOUNDS);
    for (int c = 0; c < config.hidden; c++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int l = 0; l < config.layers; l++) {
        max = Math.max(max, logits[l * config.hidden + c]);
      }
      double total = 0;
      for (int l = 0; l < config.layers; l++) {
        total += StrictMath.exp(logits[l * config.hidden + c] - max);
      }
      double bound = 0;
      for (int l = 1; l < config.layers; l++) {
        bound += StrictMath.exp(logits[l * config.hidden + c] - max) / total;
        bounds[l][c] = (float) bound;
      }
    }
    return bounds;
  }

  // ---------------------------------------------------------------- forward

  @Override
  public void forward(Batch batch) {
    int n = batch.rows();
    requireKnownTokens(batch);
    work.setCount(n);
    for (int g = 0; g < batch.groups().size(); g++) {
      Group group = batch.groups().get(g);
      prepareSnapshots(group);
      for (int r = 0; r < group.count(); r++) {
        embedding.read(group.token(r), work.x.values(), work.x.at(group.firstRow() + r));
      }
    }
    for (Block block : blocks) {
      block.forward(batch);
    }
    for (int g = 0; g < batch.groups().size(); g++) {
      Group group = batch.groups().get(g);
      ((State) group.state()).tokenCount += group.count();
    }
    headForward(batch);
  }

  /** Runs one block alone on the rows [n, hidden] of a fresh sequence, in place. */
  void forwardBlock(int layer, Rows x) {
    Batch batch = new Batch();
    batch.add(newState(), new int[x.count()], Batch.NONE, Batch.NONE);
    work.setCount(x.count());
    int size = x.count() * config.hidden;
    System.arraycopy(x.values(), 0, work.x.values(), 0, size);
    blocks[layer].forward(batch);
    System.arraycopy(work.x.values(), 0, x.values(), 0, size);
  }

  private void requireKnownTokens(Batch batch) {
    for (int g = 0; g < batch.groups().size(); g++) {
      Group group = batch.groups().get(g);
      for (int r = 0; r < group.count(); r++) {
        int token = group.token(r);
        if (token < 0 || token >= embedding.vocabulary()) {
          throw new IllegalArgumentException(
              "token id %d is not in [0, %d)".formatted(token, embedding.vocabulary()));
        }
      }
    }
  }

  /** Makes the group's snapshots, which the blocks then fill, each its layer. */
  private void prepareSnapshots(Group group) {
    long tokensBefore = group.state().tokenCount();
    for (int i = 0; i < group.snapshotRows().length; i++) {
      long tokenCount = tokensBefore + group.snapshotRows()[i] + 1;
      group.setSnapshot(i, new Snapshot(tokenCount, snapshotMemory.take()));
    }
  }

  /** Final norm and head, for the wanted rows alone. */
  private void headForward(Batch batch) {
    int wanted = batch.logitCount();
    work.headRows.setCount(wanted);
    work.headInput.setCount(wanted);
    work.logits.setCount(wanted);
    if (wanted > 0) {
      headSources = headSources.length < wanted ? new int[wanted] : headSources;
      int next = 0;
      for (int g = 0; g < batch.groups().size(); g++) {
        Group group = batch.groups().get(g);
        for (int row : group.logitRows()) {
          headSources[next++] = group.firstRow() + row;
        }
      }
      workers.forEach(wanted, headInput);
      ternary.multiply(headProduct);
    }
    batch.setLogits(work.logits);
  }

  private void headInput(int r) {
    rows.rmsNorm(
        work.x.values(),
        work.x.at(headSources[r]),
        finalNorm,
        config.epsilon,
        work.headRows.values(),
        work.headRows.at(r),
        config.hidden);
    head.quantize(work.headRows, r, work.headInput);
  }

  /** One layer: x += o(recurrence(norm(x))), x += down(swiGlu(gate(norm(x)))). */
  private final class Block {
    private final int layer;
    private final float[] lowerBound; // [hidden]
    private final float[] attnNorm; // [hidden]
    private final BitLinear i;
    private final BitLinear f;
    private final BitLinear g;
    private final float[] gNorm; // [hidden]
    private final BitLinear o;
    private final float[] mlpNorm; // [hidden]
    private final BitLinear gate; // gate and up, [2 * intermediate, hidden]
    private final BitLinear down;
    // The phases, made once so that a step allocates nothing.
    private final Product[] inputProducts; // i, f, g: one phase
    private final Product[] outputProduct;
    private final Product[] gateUpProduct;
    private final Product[] downProduct;
    private final Workers.Task projectionInputs = (r, worker) -> projectionInputs(r);
    private final Workers.Task gates = (r, worker) -> gates(r);
    private final Workers.Task recurrences = (k, worker) -> recur(groups.get(k));
    private final Workers.Task outputInput = (r, worker) -> outputInput(r);
    private final Workers.Task mlpInput = (r, worker) -> mlpInput(r);
    private final Workers.Task downInput = (r, worker) -> downInput(r);
    private final Workers.Task addToResidual = (r, worker) -> add(work.y, r);

    Block(int layer, float[] lowerBound) {
      String name = "model.layers." + layer + ".";
      this.layer = layer;
      this.lowerBound = lowerBound;
      attnNorm = floats(name + "attn_norm.weight");
      i = bitLinear(name + "attn.i_proj");
      f = bitLinear(name + "attn.f_proj");
      g = bitLinear(name + "attn.g_proj");
      gNorm = floats(name + "attn.g_norm.weight");
      o = bitLinear(name + "attn.o_proj");
      mlpNorm = floats(name + "mlp_norm.weight");
      gate = bitLinear(name + "mlp.gate_proj");
      down = bitLinear(name + "mlp.down_proj");
      inputProducts =
          new Product[] {
            i.product(work.q1, work.i), f.product(work.q2, work.f), g.product(work.q3, work.g)
          };
      outputProduct = new Product[] {o.product(work.q1, work.y)};
      gateUpProduct = new Product[] {gate.product(work.q1, work.gateUp)};
      downProduct = new Product[] {down.product(work.qWide, work.y)};
    }

    void forward(Batch batch) {
      int n = batch.rows();
      groups = batch.groups();
      workers.forEach(n, projectionInputs);
      ternary.multiply(inputProducts);
      workers.forEach(n, gates);
      workers.forEach(groups.size(), recurrences);
      workers.forEach(n, outputInput);
      ternary.multiply(outputProduct);
      workers.forEach(n, mlpInput);
      ternary.multiply(gateUpProduct);
      workers.forEach(n, downInput);
      ternary.multiply(downProduct);
      workers.forEach(n, addToResidual);
    }

    private void projectionInputs(int r) {
      norm(work.x, r, attnNorm, work.a);
      i.quantize(work.a, r, work.q1);
      f.quantize(work.a, r, work.q2);
      g.quantize(work.a, r, work.q3);
    }

    private void gates(int r) {
      rows.forgetAndInputGates(
          work.f.values(), work.f.at(r), work.i.values(), work.i.at(r), lowerBound, config.hidden);
    }

    /** Runs the recurrence over the group's rows in order; leaves each row's state in i. */
    private void recur(Group group) {
      float[] state = ((State) group.state()).values;
      int at = layer * config.hidden;
      int copied = 0;
      for (int r = 0; r < group.count(); r++) {
        int row = group.firstRow() + r;
        rows.recurrence(
            work.f.values(),
            work.f.at(row),
            work.i.values(),
            work.i.at(row),
            state,
            at,
            config.hidden);
        if (copied < group.snapshotRows().length && group.snapshotRows()[copied] == r) {
          Snapshot snapshot = (Snapshot) group.snapshot(copied++);
          MemorySegment.copy(
              state, at, snapshot.values, JAVA_FLOAT, (long) Float.BYTES * at, config.hidden);
        }
      }
    }

    /** The normalised operand is g, the swish operand is the state: the released models need it. */
    private void outputInput(int r) {
      rows.normSwishGate(
          work.g.values(),
          work.g.at(r),
          gNorm,
          config.epsilon,
          work.i.values(),
          work.i.at(r),
          work.a.values(),
          work.a.at(r),
          config.hidden);
      o.quantize(work.a, r, work.q1);
    }

    private void mlpInput(int r) {
      add(work.y, r);
      norm(work.x, r, mlpNorm, work.a);
      gate.quantize(work.a, r, work.q1);
    }

    private void downInput(int r) {
      float[] values = work.gateUp.values();
      int at = work.gateUp.at(r);
      rows.swiGlu(
          values,
          at,
          values,
          at + config.intermediate,
          work.z.values(),
          work.z.at(r),
          config.intermediate);
      down.quantize(work.z, r, work.qWide);
    }

    private void norm(Rows x, int r, float[] weight, Rows y) {
      rows.rmsNorm(x.values(), x.at(r), weight, config.epsilon, y.values(), y.at(r), config.hidden);
    }

    private void add(Rows y, int r) {
      rows.add(work.x.values(), work.x.at(r), y.values(), y.at(r), config.hidden);
    }
  }

  /** The rows of one batch between the operations. */
  private static final class Workspace {
    final Rows x;
    final Rows a;
    final Rows i;
    final Rows f;
    final Rows g;
    final Rows y;
    final Rows gateUp; // [n, 2 * intermediate]
    final Rows z; // [n, intermediate]
    final QuantizedRows q1;
    final QuantizedRows q2;
    final QuantizedRows q3;
    final QuantizedRows qWide; // [n, intermediate]
    final Rows headRows;
    final QuantizedRows headInput;
    final Rows logits; // [wanted, vocabulary]
    private final Rows[] floatRows; // of each row of the batch
    private final QuantizedRows[] quantizedRows;

    Workspace(Config config) {
      x = new Rows(1, config.hidden);
      a = new Rows(1, config.hidden);
      i = new Rows(1, config.hidden);
      f = new Rows(1, config.hidden);
      g = new Rows(1, config.hidden);
      y = new Rows(1, config.hidden);
      gateUp = new Rows(1, 2 * config.intermediate);
      z = new Rows(1, config.intermediate);
      q1 = new QuantizedRows(1, config.hidden);
      q2 = new QuantizedRows(1, config.hidden);
      q3 = new QuantizedRows(1, config.hidden);
      qWide = new QuantizedRows(1, config.intermediate);
      headRows = new Rows(1, config.hidden);
      headInput = new QuantizedRows(1, config.hidden);
      logits = new Rows(1, config.vocabulary);
      floatRows = new Rows[] {x, a, i, f, g, y, gateUp, z};
      quantizedRows = new QuantizedRows[] {q1, q2, q3, qWide};
    }

    void setCount(int count) {
      for (Rows rows : floatRows) {
        rows.setCount(count);
      }
      for (QuantizedRows rows : quantizedRows) {
        rows.setCount(count);
      }
    }
  }

  // ---------------------------------------------------------------- state

  private final class State implements SequenceState {
    private final float[] values; // [layers, hidden]
    private long tokenCount;

    State(long tokenCount, float[] values) {
      this.tokenCount = tokenCount;
      this.values = values;
    }

    @Override
    public long tokenCount() {
      return tokenCount;
    }

    @Override
    public StateSnapshot snapshot() {
      return snapshotOf(tokenCount, values);
    }

    @Override
    public SequenceState copy() {
      return new State(tokenCount, values.clone());
    }
  }

  private Snapshot snapshotOf(long tokenCount, float[] values) {
    MemorySegment memory = snapshotMemory.take();
    MemorySegment.copy(values, 0, memory, JAVA_FLOAT, 0, values.length);
    return new Snapshot(tokenCount, memory);
  }

  private final class Snapshot implements StateSnapshot {
    private final long tokenCount;
    private final MemorySegment values; // floats [layers, hidden]
    private boolean released;

    Snapshot(long tokenCount, MemorySegment values) {
      this.tokenCount = tokenCount;
      this.values = values;
    }

    @Override
    public long tokenCount() {
      return tokenCount;
    }

    @Override
    public long sizeBytes() {
      return values.byteSize();
    }

    @Override
    public byte[] toBytes() {
      return new SnapshotBytes(tokenCount, floats()).write(weights.digest());
    }

    @Override
    public void release() {
      requireUnreleased();
      released = true;
      snapshotMemory.giveBack(values);
    }

    float[] floats() {
      requireUnreleased();
      return values.toArray(JAVA_FLOAT);
    }

    private void requireUnreleased() {
      if (released) {
        throw new IllegalStateException("the snapshot was released");
      }
    }
  }

  @Override
  public SequenceState newState() {
    return new State(0, new float[config.layers * config.hidden]);
  }

  @Override
  public SequenceState restore(StateSnapshot snapshot) {
    Snapshot copy = (Snapshot) snapshot;
    return new State(copy.tokenCount, copy.floats());
  }

  @Override
  public StateSnapshot readSnapshot(byte[] bytes) {
    SnapshotBytes read = SnapshotBytes.read(bytes, weights.digest(), config.layers * config.hidden);
    return snapshotOf(read.tokenCount(), read.values());
  }

  @Override
  public long weightBytes() {
    return config
        .tensors()
        .filter(TensorSpec::ternary)
        .mapToLong(spec -> ternary.format().packedBytes(spec.rows(), spec.columns()))
        .sum();
  }

  @Override
  public long stateBytes(long tokens) {
    return description.stateBytes();
  }

  @Override
  public ModelDescription description() {
    return description;
  }

  @Override
  public OptionalInt maxTokens() {
    return OptionalInt.empty();
  }

  @Override
  public void close() {
    snapshotMemory.close();
    weights.close();
  }
}
